"""Draws docs/image-actions.jpg: every action on one photograph, each with its pipeline below.

    OSIER_IMAGE_RENDER=target/release/osier-image-render python e2e/image/contact_sheet.py OUT
"""

import sys

from PIL import Image, ImageDraw, ImageFont

from judges import b64, encoded, photo, rendered, with_alpha

CELL, LABEL, COLUMNS = 250, 34, 6
COFFEE = photo("coffee.png")
MARK = with_alpha(photo("chelsea.png").resize((150, 100)))

ACTIONS = [
    "resize,w_200", "resize,m_fill,w_200,h_200", "resize,m_pad,w_200,h_200,color_3366CC",
    "resize,m_fixed,w_200,h_90", "resize,m_mfit,w_150,h_150", "resize,p_20",
    "crop,w_300,h_200,g_center", "crop,w_200,h_200,x_50,y_30,g_se", "indexcrop,x_200,i_1", "circle,r_150",
    "rounded-corners,r_60", "rotate,30", "rotate,90", "blur,r_12,s_6", "bright,40", "bright,-40", "contrast,50",
    "contrast,-50", "sharpen,300", "resize,w_200/quality,Q_5/format,jpg", "resize,w_200/format,webp",
    "resize,w_200/format,bmp", "resize,w_200/format,tiff", "resize,w_200/format,jpg/interlace,1",
    f"watermark,text_{b64('Chenk Blog')},size_60,color_FFFFFF",
    f"watermark,text_{b64('图片水印 osier')},size_60,color_FFD700,shadow_80,g_center",
    f"watermark,text_{b64('日本語 한국어')},size_50,color_FF3030,t_60,g_nw,rotate_20",
    f"watermark,text_{b64('osier')},size_40,color_FFFFFF,t_50,fill_1,padx_40,pady_40,rotate_330",
    f"watermark,image_{b64('cat')},g_se", f"watermark,image_{b64('cat')},g_nw,t_50,x_40,y_40",
    f"watermark,image_{b64('cat?x-oss-process=image/resize,P_40/rotate,15')},g_center",
    f"watermark,image_{b64('cat?x-oss-process=image/crop,w_60,h_60,g_center/rounded-corners,r_30')},fill_1,padx_30,pady_30",
    f"watermark,image_{b64('cat')},text_{b64('图片 cat')},size_50,color_FFFFFF,order_0,align_1,interval_15",
    f"watermark,image_{b64('cat')},text_{b64('cat')},size_50,color_FFFFFF,order_1,align_0,interval_15,g_nw",
    "resize,w_300/circle,r_100/rotate,45", "crop,w_400,h_300/blur,r_8,s_4/bright,20/rounded-corners,r_40",
]


def checks(size):
    """The pattern behind transparent pixels."""
    image = Image.new("RGB", size, (255, 255, 255))
    draw = ImageDraw.Draw(image)
    for top in range(0, size[1], 12):
        for left in range(top // 12 % 2 * 12, size[0], 24):
            draw.rectangle((left, top, left + 11, top + 11), fill=(214, 214, 214))
    return image


def main():
    rows = -(-len(ACTIONS) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (CELL + 10), rows * (CELL + LABEL + 10)), (245, 245, 245))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(11)
    source = encoded(COFFEE)
    for number, action in enumerate(ACTIONS):
        result = rendered(source, f"image/{action}", {"cat": encoded(MARK)}).convert("RGBA")
        result.thumbnail((CELL, CELL))
        left, top = number % COLUMNS * (CELL + 10) + 5, number // COLUMNS * (CELL + LABEL + 10) + 5
        ground = checks(result.size)
        ground.paste(result, mask=result)
        sheet.paste(ground, (left + (CELL - result.width) // 2, top + (CELL - result.height) // 2))
        for line in range(0, min(len(action), 84), 42):
            draw.text((left, top + CELL + 2 + line // 42 * 14), action[line : line + 42], fill=(30, 30, 30), font=font)
    sheet.save(sys.argv[1], quality=82)


main()
